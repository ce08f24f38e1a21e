#!/bin/sh
# A connector in nothing but the shell: what the machine that it runs on is doing.
#
# A message is a line of JSON. The shell cannot read JSON, but it can take out the few texts that this
# server needs: the id, the method, and what a tool is called with. What it does not understand it
# refuses.

# Bytes are compared, whatever language the machine speaks.
LC_ALL=C
export LC_ALL

TOOLS='{"tools":[
{"name":"Load","description":"How busy the machine is: processes that want to run, over the last 1, 5 and 15 minutes.",
"inputSchema":{"type":"object","properties":{},"additionalProperties":false},
"outputSchema":{"type":"object","properties":{"one":{"type":"number"},"five":{"type":"number"},"fifteen":{"type":"number"}}},
"annotations":{"readOnlyHint":true}},
{"name":"Exists","description":"Whether there is a file or a folder of this path, without quotes and backslashes in it.",
"inputSchema":{"type":"object","required":["path"],"properties":{"path":{"type":"string","description":"A path on the machine."}},"additionalProperties":false},
"outputSchema":{"type":"object","required":["exists"],"properties":{"exists":{"type":"boolean"},"kind":{"type":"string"}}},
"annotations":{"readOnlyHint":true}}]}'

GREETING='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"machine","version":"1.0"}}'

# One line, whatever was written over several above.
one_line() {
    line=
    while IFS= read -r part; do line=$line$part; done <<END
$1
END
    printf '%s' "$line"
}

answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
refuse() { printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$id" "$1" "$2"; }
found() { answer "{\"content\":[],\"structuredContent\":$1}"; }
# The code is what a diagram catches.
failed() {
    answer "{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":\"$2\"}],\"structuredContent\":{\"error_code\":\"$1\",\"message\":\"$2\"}}"
}

# The value of a member, as far as a text without escapes can follow: text_of NAME IN.
text_of() {
    rest=${2#*\""$1"\":}
    [ "$rest" != "$2" ] || return 1
    while :; do
        case $rest in
            ' '*) rest=${rest# } ;;
            \"*) break ;;
            *) return 1 ;;
        esac
    done
    rest=${rest#\"}
    value=${rest%%\"*}
    case $value in *\\*) return 1 ;; esac
}

# The id stands before the parameters or after them. A number or a text without escapes.
id_of() {
    id=
    for part in "${1%%\"params\":*}" "${1##*\}}"; do
        rest=${part#*\"id\":}
        [ "$rest" = "$part" ] && continue
        rest=${rest# }
        id=${rest%%[,\}]*}
        return
    done
    # After the parameters, with the end of the message behind it.
    part=${1%\}}
    part=${part##*\}}
    rest=${part#*\"id\":}
    [ "$rest" = "$part" ] || id=${rest%%,*}
}

load() {
    read -r one five fifteen _ < /proc/loadavg
    found "{\"one\":$one,\"five\":$five,\"fifteen\":$fifteen}"
}

exists() {
    if ! text_of path "$1"; then
        failed NoPath 'path must be a text without quotes and backslashes'
    elif [ ${#value} -gt 4000 ]; then
        failed NoPath 'path is longer than 4000 bytes'
    elif [ -d "$value" ]; then
        found '{"exists":true,"kind":"folder"}'
    elif [ -e "$value" ]; then
        found '{"exists":true,"kind":"file"}'
    else
        found '{"exists":false}'
    fi
}

call() {
    arguments=${1#*\"arguments\":}
    text_of name "${1%%\"arguments\":*}" || { refuse -32602 'no tool is named'; return; }
    case $value in
        Load) load ;;
        Exists) exists "$arguments" ;;
        *) refuse -32602 'there is no such tool' ;;
    esac
}

TOOLS=$(one_line "$TOOLS")
while IFS= read -r message; do
    id_of "$message"
    # What has no id wants no answer.
    [ -n "$id" ] || continue
    text_of method "$message" || continue
    case $value in
        initialize) answer "$GREETING" ;;
        ping) answer '{}' ;;
        tools/list) answer "$TOOLS" ;;
        tools/call) call "${message#*\"params\":}" ;;
        *) refuse -32601 'there is no such method' ;;
    esac
done
