#compdef chat
# Completion of chat for zsh. In ~/.zshrc, after compinit: eval "$(chat completion zsh)"
_chat() {
    local line
    local -a out items
    out=("${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ ${out[1]} == ":files" ]]; then
        compset -P '*='
        _files
        return
    fi
    for line in "${out[@]}"; do
        case $line in
        *$'\t'*) items+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        ?*) items+=("${line//:/\\:}") ;;
        esac
    done
    (( $#items )) && _describe -V 'chat' items
}
if [[ ${funcstack[1]} == _chat ]]; then _chat "$@"; else compdef _chat chat; fi
