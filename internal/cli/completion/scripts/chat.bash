# Completion of chat for bash. In ~/.bashrc: eval "$(chat completion bash)"
_chat_complete() {
    local line=${COMP_LINE:0:COMP_POINT} full="" out item words
    # Not COMP_WORDS: bash splits it at : and =, which occur in the names of models.
    read -ra words <<<"$line"
    if [[ $line == *[[:space:]] ]]; then words+=(""); fi
    full=${words[${#words[@]}-1]}
    COMPREPLY=()
    out=$("${words[0]}" __complete "${words[@]:1}" 2>/dev/null) || return 0
    if [[ $out == ":files" ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r item; do COMPREPLY+=("$item"); done < <(compgen -f -- "${full##*=}")
        return 0
    fi
    # bash replaces only the part after the last : or =.
    local kept=${full%"${full##*[:=]}"}
    while IFS= read -r item; do
        item=${item%%$'\t'*}
        if [[ -n $item ]]; then COMPREPLY+=("${item#"$kept"}"); fi
    done <<<"$out"
    return 0
}
complete -F _chat_complete chat
