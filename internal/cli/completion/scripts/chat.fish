# Completion of chat for fish: chat completion fish > ~/.config/fish/completions/chat.fish
function __chat_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l out (command $words[1] __complete $words[2..-1] "$token" 2>/dev/null)
    if test "$out[1]" = ":files"
        __fish_complete_path (string replace -r '^.*=' '' -- "$token")
        return
    end
    string collect -- $out
end
complete -c chat -f -k -a '(__chat_complete)'
