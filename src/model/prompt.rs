//! The shells and programs that can show the state in a prompt or a status line.

/// Who shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// zsh, by itself or with a framework that has its prompt in `PROMPT`.
    Zsh,
    /// bash.
    Bash,
    /// fish.
    Fish,
    /// oh-my-zsh, as a plugin.
    Omz,
    /// oh-my-zsh, as the theme `custom-bira`.
    Bira,
    /// powerlevel10k, as a segment.
    P10k,
    /// starship, as a module.
    Starship,
    /// tmux, in its status line.
    Tmux,
}

impl Host {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Zsh,
        Self::Bash,
        Self::Fish,
        Self::Omz,
        Self::Bira,
        Self::P10k,
        Self::Starship,
        Self::Tmux,
    ];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zsh => "zsh",
            Self::Bash => "bash",
            Self::Fish => "fish",
            Self::Omz => "omz",
            Self::Bira => "bira",
            Self::P10k => "p10k",
            Self::Starship => "starship",
            Self::Tmux => "tmux",
        }
    }

    /// The host of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|host| host.word() == word)
    }
}
