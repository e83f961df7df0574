# git-sync as a plugin of oh-my-zsh: link the folder of this file as $ZSH_CUSTOM/plugins/git-sync and add
# 'git-sync' to plugins=(...). Without the folder, this makes the same of one file:
#
#   git-sync prompt omz > $ZSH_CUSTOM/plugins/git-sync/git-sync.plugin.zsh

source ${0:A:h}/git-sync.zsh
