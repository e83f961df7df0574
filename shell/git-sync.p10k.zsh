# git-sync as a segment of powerlevel10k. git-sync.zsh has to be sourced too.
#
#   git-sync prompt p10k > ~/.git-sync.p10k.zsh; source it at the end of ~/.p10k.zsh, and add 'git_sync' to
#   POWERLEVEL9K_LEFT_PROMPT_ELEMENTS or POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS.
#
# POWERLEVEL9K_GIT_SYNC_AHEAD_FOREGROUND and the like change the colours of a state.

# The same calls whatever the state is: powerlevel10k keeps what they make for its instant prompt, and
# looks at the conditions each time it shows one.
function prompt_git_sync() {
  emulate -L zsh
  local state colour
  for state colour in synced green ahead yellow behind cyan diverged yellow syncing blue held red error red; do
    p10k segment -s ${(U)state} -f $colour -e -c '${(M)GIT_SYNC_STATE:#'$state'}' -t '$GIT_SYNC_ICON'
  done
}

function instant_prompt_git_sync() {
  prompt_git_sync
}
