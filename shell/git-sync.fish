# git-sync for fish: where your configs stand, in the prompt, and a sync when a shell starts.
#
#   source .../git-sync.fish            or:  git-sync prompt fish | source
#
# and 'git_sync_prompt' in your fish_prompt prints the icon with its colour and a blank behind it.
#
# A prompt costs no process: the state is one line in a file, which every sync and the hooks of git-sync
# write. A process is started where the line is out of date: something in the repository is newer, a
# command was typed in it or took a second (it may have been an editor), or the line is a minute old.
# Before fish 3.5 it does not know how old the line is.
#
# Set, before or at any time:
#   GIT_SYNC_DIRECTORY    the configs repository, where it is not in its usual place
#   GIT_SYNC_BIN          the program
#   GIT_SYNC_SHOW         always, repo (only in the repository) or attention (only if something is to be done)
#   GIT_SYNC_ICONS        unicode or ascii; ascii is the default where the locale is not UTF-8
#   GIT_SYNC_MAX_AGE      so many seconds old may the line be: 60
#   GIT_SYNC_BACKGROUND   0: no sync when a shell starts
#
# To read: GIT_SYNC_STATE (synced, ahead, behind, diverged, syncing, held, error), GIT_SYNC_ICON.

if status is-interactive

    set -g GIT_SYNC_STATE
    set -g GIT_SYNC_ICON
    set -g __git_sync_colour normal
    set -g __git_sync_line
    set -g __git_sync_here 0
    set -g __git_sync_inside 0
    set -g __git_sync_ran 0
    set -q __git_sync_missed; or set -g __git_sync_missed 0

    # Finds the program, the repository, and the files that tell of a change in it.
    function __git_sync_find
        set -g __git_sync_root $GIT_SYNC_DIRECTORY $__git_sync_directory
        set -g __git_sync_root $__git_sync_root[1]
        if test -z "$__git_sync_root"
            set __git_sync_root $HOME/configs
            for dir in $HOME/dev/configs $HOME/configs
                if test -d $dir/.sync
                    set __git_sync_root $dir
                    break
                end
            end
        end
        set -g __git_sync_bin $GIT_SYNC_BIN $__git_sync_program
        set -g __git_sync_bin $__git_sync_bin[1]
        if not test -x "$__git_sync_bin"
            set __git_sync_bin (command -s git-sync)
        end

        set -l line
        set -l git $__git_sync_root/.git
        if test -f $git
            read line <$git
            set git (string replace 'gitdir: ' '' -- $line)
            string match -q '/*' -- $git; or set git $__git_sync_root/$git
        end
        set -l common $git
        if test -r $git/commondir
            read common <$git/commondir
            string match -q '/*' -- $common; or set common $git/$common
        end
        # Git replaces its files as a whole, so their folders tell of every change.
        set -g __git_sync_watched $git $common $common/refs/heads $common/refs/remotes $common/refs/remotes/origin
        set -g __git_sync_refs $common/refs
    end

    # Finds the folders of branches and of other remotes: before the first command, as patterns take a shell that
    # starts longer than all the rest.
    function __git_sync_find_refs
        for dir in $__git_sync_refs/heads/*/ $__git_sync_refs/remotes/*/ $__git_sync_refs/remotes/*/*/
            set -a __git_sync_watched $dir
        end
        set -e __git_sync_refs
    end

    # Reads the line, and makes of it what is shown. What is in the file is only ever looked up.
    function __git_sync_read
        set -l file $__git_sync_root/.sync/state
        set __git_sync_line
        if test -r $file
            read __git_sync_line <$file
        end
        set -l words (string split -n ' ' -- $__git_sync_line)
        set GIT_SYNC_STATE $words[1]
        # A sync that was killed would be going on for ever.
        if test "$GIT_SYNC_STATE" = syncing; and not __git_sync_lives "$words[7]"
            set GIT_SYNC_STATE error
        end
        set -l icon
        set -l ascii
        switch "$GIT_SYNC_STATE"
            case synced
                set __git_sync_colour green
                set icon ✓
                set ascii =
            case ahead
                set __git_sync_colour yellow
                set icon ↑
                set ascii '>'
            case behind
                set __git_sync_colour cyan
                set icon ↓
                set ascii '<'
            case diverged
                set __git_sync_colour yellow
                set icon ↑↓
                set ascii '<>'
            case syncing
                set __git_sync_colour blue
                set icon ⚡
                set ascii '*'
            case held error
                set __git_sync_colour red
                set icon ✗
                set ascii !
            case '*'
                set GIT_SYNC_STATE
        end
        set -l signs $GIT_SYNC_ICONS $__git_sync_icons $LC_ALL $LC_CTYPE $LANG
        if not string match -qir 'unicode|utf-?8' -- "$signs[1]"
            set icon $ascii
        end
        switch "$GIT_SYNC_SHOW"
            case repo
                test $__git_sync_here = 1; or set icon
            case attention
                test "$GIT_SYNC_STATE" = synced; and set icon
        end
        set GIT_SYNC_ICON $icon
    end

    # Is there a process with this number? fish has no kill of its own, and is asked this during a sync only.
    function __git_sync_lives
        string match -qr '^[0-9]+$' -- $argv[1]; or return 1
        if test -d /proc/self
            test -d /proc/$argv[1]
        else
            command kill -0 $argv[1] 2>/dev/null
        end
    end

    # Is what the line says out of date?
    function __git_sync_stale
        test "$GIT_SYNC_STATE" = syncing; and return 1
        if test $__git_sync_ran = 1
            test $__git_sync_inside = 1; and return 0
            test "$CMD_DURATION" -ge 1000; and return 0
        end
        string match -q 'syncing *' -- $__git_sync_line; and return 0
        set -l file $__git_sync_root/.sync/state
        if builtin -q path
            set -l limit (string match -r '^[0-9]+$' -- $GIT_SYNC_MAX_AGE)
            set -q limit[1]; or set limit 60
            set -l age (path mtime --relative -- $file)
            test "$age" -gt $limit; and return 0
        end
        for other in $__git_sync_watched
            test $other -nt $file; and return 0
        end
        return 1
    end

    # Before a command.
    function __git_sync_preexec --on-event fish_preexec
        set __git_sync_ran 1
        set __git_sync_inside 0
        set -q __git_sync_refs; and __git_sync_find_refs
        __git_sync_place
    end

    # Are we in the repository? A command counts as typed in it that began or ended there.
    function __git_sync_place
        set -l here $PWD/
        set -l there $__git_sync_root/
        if test (string sub -l (string length -- $there) -- $here) = $there
            set __git_sync_here 1
            set __git_sync_inside 1
        else
            set __git_sync_here 0
        end
    end

    # Before a prompt.
    function __git_sync_look --on-event fish_prompt
        __git_sync_place
        __git_sync_read
        if test -n "$__git_sync_line" -a -x "$__git_sync_bin"; and __git_sync_stale
            if test $__git_sync_missed -gt 0
                # The last one takes longer, or cannot write: no use in starting another one at once.
                set __git_sync_missed (math $__git_sync_missed - 1)
            else
                set -l before $__git_sync_line
                # It comes back at once, or after a tenth of a second at most, and then goes on by itself.
                $__git_sync_bin -C $__git_sync_root refresh --background </dev/null >/dev/null 2>&1
                __git_sync_read
                test "$__git_sync_line" = "$before"; and set __git_sync_missed 3
            end
        end
        set __git_sync_ran 0
        set __git_sync_inside 0
    end

    # For fish_prompt.
    function git_sync_prompt --description 'Print the state of your configs'
        if test -n "$GIT_SYNC_ICON"
            set_color $__git_sync_colour
            echo -n $GIT_SYNC_ICON
            set_color normal
            echo -n ' '
        end
    end

    # When a shell starts: a sync in the background, if one is due. It leaves the terminal by itself.
    function __git_sync_start
        contains -- "$GIT_SYNC_BACKGROUND" 0 no off false; and return 0
        set -q GIT_SYNC_RUNNING; and return 0
        test -x "$__git_sync_bin" -a -d $__git_sync_root/.sync; or return 0
        set -l file $__git_sync_root/.sync/due
        if builtin -q path; and test -r $file
            # It was written when the last run ended: the pause counts from there.
            read -l begun next pause <$file
            set -l age (path mtime --relative -- $file)
            # What is no number ends the comparison: then a sync is due.
            test "$age" -ge 0 -a "$age" -lt "$pause" 2>/dev/null; and return 0
        end
        command $__git_sync_bin -C $__git_sync_root --background </dev/null >/dev/null 2>&1 &
        disown
    end

    function sync-configs --description 'Sync your configs'
        $__git_sync_bin -C $__git_sync_root $argv
    end

    function sync-status --description 'Tell where your configs stand'
        $__git_sync_bin -C $__git_sync_root --status $argv
    end

    __git_sync_find
    if test "$__git_sync_started" != $fish_pid
        set -g __git_sync_started $fish_pid
        __git_sync_start
    end
end
