# Completion of `git-sync` for fish, and by that of `git sync`.

# What can be typed: its name, what it goes with, what is to follow it, and what it does. Options go with the words
# named, `*` is all of them; `=word` is the word itself as an option. In capitals stands what has no fixed values,
# behind a `=` what has to be joined by one, behind a `?` what may be left out. tests/completions.rs has the rows right.
set -g __git_sync_rows \
    'run|||Sync: the same as no word at all' \
    'setup||URL DIR|Set up this machine: clone or create the configs repository, and sync it' \
    'status|||Show where this machine stands' \
    'force-push|||Make the remote equal to this machine' \
    'force-pull|||Make this machine equal to the remote' \
    'mark||PATHS|Sync files and folders that are outside of the repository' \
    'unmark||PATHS|Stop syncing them; each machine keeps its file' \
    'list|||List what is marked' \
    'backup||list|Back up what is here, and sync nothing' \
    'restore||BACKUP PATHS|Bring files back from a backup' \
    'resolve||PATHS|Decide about held paths' \
    'diff||PATHS|Show what differs from the remote' \
    'log|||Show the history of runs' \
    'prompt||zsh bash fish omz bira p10k starship tmux|Print what shows the state in a prompt' \
    'hooks||install status remove|Keep the state for prompts right after a git command of your own' \
    'refresh||post-commit post-merge post-checkout post-rewrite|Look where this machine stands, for prompts and hooks; prints nothing' \
    'doctor|||Look for what is wrong, and say what mends it' \
    'machines|||List the machines that sync with the same remote' \
    'watch|||Sync whenever files change, and what others have changed every so often, until it is ended' \
    'schedule||install status remove|Sync by itself every so often, by the scheduler of the system' \
    '--setup|=setup||Set up this machine: clone or create the configs repository, and sync it' \
    '--status|=status||Show where this machine stands' \
    '--force-push|=force-push||Make the remote equal to this machine' \
    '--force-pull|=force-pull||Make this machine equal to the remote' \
    '--mark|=mark||Sync files and folders that are outside of the repository' \
    '--unmark|=unmark||Stop syncing them; each machine keeps its file' \
    '--list-marked|=list||List what is marked' \
    '--backup-only|=backup||Back up what is here, and sync nothing' \
    '--resolve|=resolve||Decide about held paths' \
    '--diff|=diff||Show what differs from the remote' \
    '--log|=log||Show the history of runs' \
    '--generate|=generate|man bash zsh zsh-git fish fish-git prompt-zsh prompt-bash prompt-fish|Print the manual or a completion, for packages' \
    '--restore|=restore|?BACKUP|Bring files back from a backup: its name, the beginning of it, or `latest`' \
    '-C|*|DIR|Run as if started in DIR' \
    '--dry-run|run setup status force-push force-pull mark unmark list restore resolve diff log doctor schedule||Change nothing; show what would change' \
    '-n|run setup status force-push force-pull mark unmark list restore resolve diff log doctor schedule||Change nothing; show what would change' \
    '--background|run refresh||Sync detached from the terminal, without a word' \
    '--yes|run setup force-push force-pull mark restore||Answer questions with yes' \
    '-y|run setup force-push force-pull mark restore||Answer questions with yes' \
    '--remove|setup||Undo what was set up on this machine' \
    '--no-hooks|setup||Put in no hooks, now and later' \
    '--follow|mark||Take in what a link leads to, in the place of the link' \
    '--allow-secret|mark||Share also what looks like a secret' \
    '--repair|mark||Mend the marks that are there' \
    '--import|mark|stow homeshick yadm chezmoi mackup bare|Propose marks for what TOOL keeps, at PATH or where it usually is' \
    '--copy|mark||Keep a file of its own there, and carry changes both ways' \
    '--link|mark||Keep a link there' \
    '--encrypt|mark||Encrypt what the repository has of it; the file stays plain' \
    '--add-recipient|mark|=RECIPIENT|Let RECIPIENT read what is encrypted from now on; without one: this machine' \
    '--rekey|mark||Encrypt what is encrypted anew, for those that are recipients now' \
    '--machines|mark|LIST|Only on these machines: types or patterns of ids, with commas between; none for all' \
    '--profiles|mark|LIST|Only on machines with these profiles, with commas between; none for all' \
    '--variant|mark unmark|WHO|Give these machines a version of their own: a type, a pattern of ids or a profile; take it away' \
    '--profile|setup|NAME|What this machine is used for; may be given again' \
    '--ours|resolve||Keep this machine\'s version' \
    '--theirs|resolve||Take the remote\'s version' \
    '--undo|resolve||Go back on the last decision' \
    '--list|backup resolve||Only list what is held, or the backups' \
    '--keep|backup|BACKUP|Keep a backup until it is released' \
    '--release|backup|BACKUP|Let a backup go with the others of its age' \
    '--to|restore|DIR|Restore into the new folder DIR' \
    '--exact|restore||Remove what came since, too' \
    '--verify|backup||Restore the newest backup to a scratch folder, and compare' \
    '--max-count|log|COUNT|Show this many runs' \
    '--every|watch schedule|INTERVAL|Every so often: 5m, 15m, 1h, 6h, 1d; how often the remote is asked, 0 for never' \
    '--delay|watch|TIME|Sync when nothing has changed for so long: 200ms, 3s, 1m' \
    '--watch|schedule||Let a watch run all the time' \
    '--cron|schedule|FIELDS|At these moments, in the five fields of crontab(5)' \
    '--forget|machines|MACHINE|Forget a machine that is no more, here and at the remote' \
    '--scheduler|schedule|systemd launchd cron|By this scheduler; by the best that is there where none is named' \
    '--offline|run setup status resolve diff log doctor machines||Do not touch the network' \
    '--wait|run setup force-push force-pull mark unmark backup restore resolve hooks|=SECONDS|Wait for another run to end, at most SECONDS' \
    '--json|run setup status force-push force-pull mark unmark list backup restore resolve diff log hooks doctor machines watch schedule||Print JSON on stdout' \
    '--porcelain|status|=v1 1|Print lines for scripts' \
    '-z|status list resolve||End lines with NUL, and do not quote paths' \
    '--exit-code|status diff||Exit with 1 unless in sync' \
    '--detailed-exitcode|run force-push force-pull||Exit with 2 if something would change' \
    '--quiet|*||Say less' \
    '-q|*||Say less' \
    '--verbose|*||Say more; twice: each git command' \
    '-v|*||Say more; twice: each git command' \
    '--color|*|=auto always never|Colour: auto, always or never' \
    '--help|*||Print help' \
    '-h|*||Print help' \
    '--version|run||Print version' \
    '-V|run||Print version' \
    '--diff|restore||Only show what differs'

# The fields of the row of a name.
function __git_sync_row -a name
    for row in $__git_sync_rows
        set -l fields (string split '|' -- $row)
        if test "$fields[1]" = "$name"
            printf '%s\n' $fields
            return 0
        end
    end
    return 1
end

# What git-sync knows of these kinds, from the folders that -C leads to. Another program of its name gets nothing to
# see but the kinds, and no input that could agree to anything.
function __git_sync_ask -a kinds
    set -l folders (string replace -r '^~/' "$HOME/" -- $argv[2..])
    # Going there in this shell would be seen by whoever watches PWD.
    command sh -c 'kinds=$1; shift
        for folder; do CDPATH= cd -- "$folder" >/dev/null || exit; done
        exec git-sync --complete "$kinds"' sh $kinds $folders </dev/null 2>/dev/null
end

# Files and folders, as fish completes them for a command that it knows nothing of.
function __git_sync_files
    complete -C "nothing-that-fish-knows $argv[1]"
end

function __git_sync_folders
    __git_sync_files $argv[1] | string match -r '.*/$'
end

# The marked paths as they are typed; what does not begin like that is dropped by fish. Some versions of it take a
# tilde for the home before they compare.
function __git_sync_marked
    set -l token (commandline -ct)
    for path in (__git_sync_ask marked $argv)
        switch $token
            case '' '~*' '/*'
                printf '%s\n' $path
                string replace -r '^~/' "$HOME/" -- $path
            case '*'
                string replace -r '^~/' "$HOME/" -- $path | string replace -- "$PWD/" ''
        end
    end
end

# The values of an option or a word; `before` is what is typed before them in the same word.
function __git_sync_values -a name before
    set -l folders $argv[3..]
    set -l known
    switch $name
        case -C --to
            __git_sync_folders (string replace -- "$before" '' (commandline -ct)) | string replace -r '^' -- "$before"
            return
        case --keep --release --restore
            set known (__git_sync_ask backups $folders)
        case --forget
            set known (__git_sync_ask machines $folders)
        case --machines
            set known (__git_sync_ask types,machines $folders)
        case --variant
            set known (__git_sync_ask types,machines,profiles $folders)
        case --profile --profiles
            set known (__git_sync_ask profiles $folders)
        case '*'
            set -l fields (__git_sync_row $name)
            set -l value (string replace -r '^[=?]' '' -- $fields[3])
            # What stands in capitals is for people.
            if not string match -qr '[A-Z]' -- $value
                set known (string split -n ' ' -- $value)
            end
    end
    switch $name
        case --machines --profiles
            # The last of a list.
            set -l typed (string match -r '.*,' -- (string replace -- "$before" '' (commandline -ct)))
            set before "$before$typed"
    end
    for value in $known
        printf '%s\n' $before$value
    end
end

# The options that go with a mode, and before there is one, those that are modes.
function __git_sync_options -a mode
    for row in $__git_sync_rows
        set -l fields (string split '|' -- $row)
        string match -q -- '-*' $fields[1]
        or continue
        switch $fields[2]
            case '\*'
            case '=*'
                test -z "$mode"
                or continue
            case '*'
                set -l word $mode
                test -n "$word"
                or set word run
                contains -- $word (string split ' ' -- $fields[2])
                or continue
        end
        printf '%s\t%s\n' $fields[1] $fields[4]
        string match -q -- '=*' $fields[3]
        and printf '%s=\t%s\n' $fields[1] $fields[4]
    end
end

function __git_sync_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l pending
    set -l mode
    set -l dashes
    set -l typed 0
    set -l folders
    for word in $words[2..]
        if test -n "$pending"
            test "$pending" = -C
            and set -a folders $word
            set pending
        else if test -n "$dashes"
            or not string match -q -- '-*' $word
            if test -z "$mode$dashes"
                and __git_sync_row $word >/dev/null
                set mode $word
            else
                set typed (math $typed + 1)
            end
        else if test "$word" = --
            set dashes yes
        else
            set -l fields (__git_sync_row (string replace -r '=.*' '' -- $word))
            if test -z "$mode"
                and string match -q -- '=*' "$fields[2]"
                set mode (string sub -s 2 -- $fields[2])
            end
            if not string match -q -- '*=*' $word
                and string match -qr '^[^=?]' -- "$fields[3]"
                set pending $word
            end
        end
    end

    if test -n "$pending"
        __git_sync_values $pending '' $folders
        return
    else if test -z "$dashes"
        if string match -q -- '--*=*' $token
            set -l name (string replace -r '=.*' '' -- $token)
            __git_sync_values $name $name= $folders
            return
        else if string match -q -- '-*' $token
            __git_sync_options "$mode"
            return
        end
    end
    switch "$mode:$typed"
        case ':0'
            for row in $__git_sync_rows
                string match -q -- '-*' $row
                and continue
                string replace -r '^([^|]*)\|.*\|' '$1\t' -- $row
            end
        case 'mark:*' 'diff:*'
            __git_sync_files $token
        case 'unmark:*'
            __git_sync_marked $folders
        case 'resolve:*'
            __git_sync_ask held $folders
        case 'restore:*'
            if test -n "$dashes"
                __git_sync_files $token
            else if test $typed = 0
                printf '%s\t%s\n' latest 'the newest one'
                __git_sync_ask backups $folders
            end
        case 'setup:1'
            __git_sync_folders $token
        case '*:0'
            __git_sync_values $mode '' $folders
    end
end

complete -c git-sync -f -k -a '(__git_sync_complete)'
