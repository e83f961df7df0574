# fish completes `git NAME` by the completion of `git-NAME`, but fish 3.6.0 looks under a wrong name. To be found in a
# folder of start-up files, as the completion of git is loaded only when somebody uses it.
status is-interactive
and complete -c git -f -n '__fish_git_using_command sync' -a '(__fish_git_complete_custom_command sync)'
