# custom-bira for oh-my-zsh: bira with the state of your configs in front of the folder.
#
#   git-sync prompt bira > $ZSH_CUSTOM/themes/custom-bira.zsh-theme
#   ZSH_THEME=custom-bira, and git-sync.zsh sourced or the plugin 'git-sync' loaded
#
# A theme of your own needs one line of it: ${GIT_SYNC_PROMPT}, in single quotes, with prompt_subst set.

setopt prompt_subst

# A shell of Nix says so; a function of yours with this name is left as it is.
if (( ! $+functions[nix_indicator] )); then
  function nix_indicator {
    [[ -n ${IN_NIX_SHELL-} ]] && print -rn -- '%F{cyan}nix%f '
  }
fi

() {
  local nix='' branch='' sync_status='${GIT_SYNC_PROMPT-}'
  # These two cost a process each, so they are called only where there is something to tell.
  nix='${IN_NIX_SHELL:+$(nix_indicator)}'
  (( $+functions[git_prompt_info] )) && branch='$(git_prompt_info)'
  local current_dir='%B%F{blue}%~%f%b '
  local user_host='%B%(!.%F{red}.%F{green})%n@%m%f%b '

  PROMPT="╭─${nix}${sync_status}${user_host}${current_dir}${branch}"$'\n'"╰─%B%(!.#.$)%b "
  RPROMPT='%B%(?..%F{red}%? ↵%f)%b'
}
