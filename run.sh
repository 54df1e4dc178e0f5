#!/usr/bin/env bash
# Trains on Data/train.csv and predicts Data/test.csv, with a master and one worker on this PC.
# Installs what is missing and builds first.
#
#   ./run.sh                  keeps the dashboard up afterwards, until Ctrl-C
#   ./run.sh --once           exits when the predictions are written; status 0 only if they were.
#                             So it does whenever its output is not a terminal.
#   ./run.sh --config FILE    another configuration, for the master and the worker
#   ./run.sh OPTION...        any other options of netcompute-master, such as --train-data FILE,
#                             --test-data FILE, --mode serve; see build/bin/netcompute-master --help
set -euo pipefail
program=run.sh
started_in=$PWD
cd "$(dirname "$0")"
source scripts/common.sh

# What the command line says. Files are named from where the user stands, not from here.
master_arguments=()
config=config.json
state=state
mode=train
test_data=
once=
[ -t 1 ] || once=1

absolute() { case $1 in /*) echo "$1" ;; *) echo "$started_in/$1" ;; esac; }

read_arguments() {
    local name value
    while [ $# -gt 0 ]; do
        name=$1
        shift
        case $name in
        -h | --help)
            sed -n '2,/^[^#]/s/^# \{0,1\}//p' run.sh
            exit
            ;;
        --once)
            once=1
            continue
            ;;
        --config | --state-dir | --mode | --train-data | --test-data | --test-labels)
            [ $# -gt 0 ] || fail "$name: it needs a value; see ./run.sh --help"
            value=$1
            shift
            ;;
        --config=* | --state-dir=* | --mode=* | --train-data=* | --test-data=* | --test-labels=*)
            value=${name#*=}
            name=${name%%=*}
            ;;
        *)
            master_arguments+=("$name")
            continue
            ;;
        esac
        [ "$name" = --mode ] || value=$(absolute "$value")
        case $name in
        --config) config=$value ;;
        --state-dir) state=$value ;;
        --mode) mode=$value ;;
        --test-data) test_data=$value ;;
        esac
        case $name in
        --mode | --test-data) ;;
        *) master_arguments+=("$name" "$value") ;;
        esac
    done
    if [ "$mode" = serve ]; then
        once=  # There is no end to wait for.
    elif [ -z "$test_data" ]; then
        test_data=$PWD/Data/test.csv
    fi
    master_arguments+=(--mode "$mode" ${test_data:+--test-data "$test_data"} ${once:+--once})
}

# What the master has bound, for the worker: with port 0 only it knows the ports. The token is
# never written there, so where one is set the worker reads it from where the master did.
worker_config() {
    if [ -f "$config" ] && grep -q '"join_token"' "$config"; then
        echo "$config"
    else
        echo "$state/endpoints.json"
    fi
}

master_pid=
worker_pid=

# stop PID: asks it to leave, insists after ten seconds, and waits until it has gone.
stop() {
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null || true
    local tenths=0
    while kill -0 "$1" 2>/dev/null && [ $tenths -lt 100 ]; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

stop_both() {
    trap '' INT TERM HUP
    stop "$worker_pid"
    stop "$master_pid"
    [ -z "${marker-}" ] || rm -f "$marker"
}

# Whether this run wrote every file of predictions that its mode promises.
are_predictions_written() {
    local file
    for file in "$@"; do
        if [ ! -s "$file" ] || [ "$marker" -nt "$file" ]; then
            say "$file: this run did not write it"
            return 1
        fi
    done
}

read_arguments "$@"
install_packages "${packages_to_build[@]}"
build OFF netcompute-master netcompute-worker netcompute_web netcompute_wasm

marker=$(mktemp)
trap stop_both EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# start COMMAND...: in the background, in a process group of its own. So Ctrl-C comes to this script
# alone, which then lets the worker say goodbye before it stops the master.
start() {
    set -m
    "$@" </dev/null &
    set +m
}

start build/bin/netcompute-master "${master_arguments[@]}"
master_pid=$!
until [ -f "$state/endpoints.json" ] && [ ! "$marker" -nt "$state/endpoints.json" ]; do
    if ! kill -0 "$master_pid" 2>/dev/null; then
        wait "$master_pid" && exit 1 || exit  # It has said why.
    fi
    sleep 0.05
done
worker_log=$state/worker.log
(umask 077 && : >"$worker_log")
start build/bin/netcompute-worker --config "$(worker_config)" >"$worker_log" 2>&1
worker_pid=$!
[ -n "$once" ] || say "the dashboard stays up until Ctrl-C"

status=0
wait -n -p ended "$master_pid" "$worker_pid" || status=$?
if [ "$ended" = "$worker_pid" ]; then
    worker_pid=
    fail_with_log "$worker_log" "the worker ended with status $status, so the master stops"
fi
master_pid=
[ "$status" = 0 ] || exit "$status"
case $mode in
train) are_predictions_written Data/submission_train.csv Data/submission_test.csv ;;
predict) are_predictions_written Data/submission_test.csv ;;
esac
