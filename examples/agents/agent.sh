#!/bin/sh
# A reference agent in POSIX shell: needs curl, sed, tr and wc. It counts the words of a job's text.
# Environment: HOOKYARD_URL, HOOKYARD_TOKEN (a key with the role worker), AGENT_KIND (agent.task),
# AGENT_JOBS (end after so many jobs; 0 runs on). For real work read the payload with a JSON tool.
set -u
URL=${HOOKYARD_URL:-http://127.0.0.1:8080}
KIND=${AGENT_KIND:-agent.task}
JOBS=${AGENT_JOBS:-0}
LEASE_S=${AGENT_LEASE_SECONDS:-60}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
# The token stays off the command line, where every account could read it.
( umask 077; printf 'header = "Authorization: Bearer %s"\n' "${HOOKYARD_TOKEN:?}" > "$dir/curl" )

post() { # post PATH JSON: the answer on standard output; curl waits out 429 and 503
    curl --silent --show-error --fail --config "$dir/curl" --max-time 60 --retry 5 \
        --header 'Content-Type: application/json' --data "$2" "$URL$1"
}
text() { printf '%s' "$2" | sed -n 's/.*"'"$1"'":"\([^"\\]*\)".*/\1/p'; }
number() { printf '%s' "$2" | sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p'; }

beats() { # heartbeats beside the work; the file `stop` appears when somebody wants an end
    while sleep "$((LEASE_S / 3))"; do
        answer=$(post "$1/heartbeat" "{\"lease\":$2}") || { : > "$dir/stop"; return; }
        case $answer in *'"cancel_requested":true'*) : > "$dir/stop" ;; esac
    done
}
work() { # work JOB: its result on standard output; not 0 when it did not work or was stopped
    left=$(number takes_s "$1")
    while [ "${left:-0}" -gt 0 ]; do
        [ -e "$dir/stop" ] && return 1
        sleep 1
        left=$((left - 1))
    done
    text text "$1" | wc -w | tr -d ' '
}

done_jobs=0
while [ "$JOBS" -eq 0 ] || [ "$done_jobs" -lt "$JOBS" ]; do
    job=$(post /api/leases \
        "{\"kinds\":[\"$KIND\"],\"wait_s\":20,\"lease_s\":$LEASE_S,\"agent\":\"shell\"}") || {
        sleep 2
        continue
    }
    id=$(text job "$job")
    [ -n "$id" ] || continue
    lease=$(printf '%s' "$job" | sed -n 's/.*"job":"[^"]*","lease":\([0-9]*\).*/\1/p')
    path=/api/leases/$id
    rm -f "$dir/stop"
    beats "$path" "$lease" &
    beater=$!
    post "$path/log" "{\"lease\":$lease,\"lines\":[\"the shell is at work\"]}" > /dev/null
    if words=$(work "$job"); then
        post "$path/complete" "{\"lease\":$lease,\"result\":{\"words\":$words}}" > /dev/null
    else
        post "$path/fail" "{\"lease\":$lease,\"reason\":\"stopped\"}" > /dev/null
    fi
    kill "$beater" 2> /dev/null
    wait "$beater" 2> /dev/null
    done_jobs=$((done_jobs + 1))
done
