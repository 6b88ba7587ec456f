# shellcheck shell=bash
# The steps of deploy/quickstart.sh. Each is a command as a person would type it, and a check of its effect.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
  BOLD="" GREEN="" RED="" DIM="" PLAIN=""
fi
if [[ ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} =~ [Uu][Tt][Ff]-?8 ]]; then
  TICK="✓" CROSS="✗"
else
  TICK="ok:" CROSS="FAILED:"
fi

steps=0
failures=0

weirctl() { in_ns edge "$BIN/weirctl" --socket "$DIR/control.sock" "$@"; }

heading() { steps=$((steps + 1)); printf '\n%s%2d. %s%s\n' "$BOLD" "$steps" "$*" "$PLAIN"; }
command_line() { printf '    %s$ %s%s\n' "$DIM" "$*" "$PLAIN"; }
indented() { sed 's/^/    /'; }

# expect TEXT COMMAND...: prints a tick if the command succeeds, otherwise a cross. Later steps run in any case.
expect() {
  local text=$1
  shift
  if "$@"; then
    printf '    %s%s %s%s\n' "$GREEN" "$TICK" "$text" "$PLAIN"
  else
    printf '    %s%s %s%s\n' "$RED" "$CROSS" "$text" "$PLAIN"
    failures=$((failures + 1))
    runs weir-dataplane || die_with_logs "weir-dataplane has exited"
    runs weir-control || die_with_logs "weir-control has exited"
  fi
}

# The text of a page, as a browser would show it.
readable() { sed -e 's/<style>.*<\/style>//' -e 's/<title>.*<\/title>//' -e 's/<[^>]*>//g'; }

# visit URL: sets STATUS (HTTP), PAGE (the text), CURL (curl's exit status) and CURL_ERROR.
visit() {
  CURL=0
  STATUS=$(in_ns client curl -q --silent --show-error --config "$DIR/curl.conf" --output "$DIR/page" \
    --write-out '%{http_code}' "$1" 2>"$DIR/curl-error") || CURL=$?
  CURL_ERROR=$(cat "$DIR/curl-error")
  PAGE=""
  if [[ $CURL -eq 0 ]]; then PAGE=$(readable <"$DIR/page" | grep -m 1 '[^[:space:]]' || true); fi
}

show_visit() {
  command_line "curl $1"
  visit "$1"
  if [[ $CURL -eq 0 ]]; then echo "    HTTP $STATUS: ${PAGE#"${PAGE%%[![:space:]]*}"}"; else echo "    $CURL_ERROR"; fi
}

loads() { [[ $CURL -eq 0 && $STATUS == 200 && $PAGE == "This is $1, page $2" ]]; }
blocked_page() { [[ $CURL -eq 0 && $STATUS == 451 ]]; }
# curl's exit status 35: the TLS handshake failed. The reason must be the alert that Weir sent.
blocked_tls() { [[ $CURL -eq 35 ]] && grep -qiE 'alert|unrecognized name' <<<"$CURL_ERROR"; }

run_weirctl() {
  command_line "weirctl $*"
  WEIRCTL=0
  weirctl "$@" >"$DIR/answer" 2>&1 || WEIRCTL=$?
  indented <"$DIR/answer"
}
weirctl_succeeds() { [[ $WEIRCTL -eq 0 ]]; }
check_says() { weirctl --json check "$1" | grep -q "\"verdict\": *\"$2\""; }

picture() {
  cat <<TEXT

${BOLD}Weir between a client and a web server, on this machine alone${PLAIN}

    client ──────── edge: weir-dataplane (DPDK) ──────── origin: nginx
                          weir-control ── feed: a list over HTTPS
TEXT
}

demonstrate() {
  show_http
  show_https
  show_weirctl
  show_manual_entry
  show_reload
  show_metrics
  show_access_log
}

show_http() {
  heading "HTTP: an ordinary page loads"
  show_visit http://news.test/weather.html
  expect "nginx answered" loads news.test /weather.html

  heading "HTTP: a listed page is blocked"
  show_visit http://news.test/forbidden.html
  expect "Weir answered instead of nginx" blocked_page

  heading "HTTP: the other pages of the same site still load"
  show_visit http://news.test/forbidden-fruit.html
  expect "nginx answered" loads news.test /forbidden-fruit.html
}

show_https() {
  heading "HTTPS: an ordinary site loads"
  show_visit https://shop.test/basket
  expect "nginx answered" loads shop.test /basket

  heading "HTTPS: a listed site is blocked"
  show_visit https://casino.test/
  expect "Weir answered the ClientHello with a TLS alert" blocked_tls
}

show_weirctl() {
  heading "The operator's view: status"
  sleep 1 # the daemon reads the dataplane's counters once a second
  run_weirctl status
  expect "the box does its job" weirctl_succeeds

  heading "Is this URL blocked, and by which rule?"
  run_weirctl check http://NEWS.test:80/archive/../forbidden.html
  expect "blocked, however it is spelled" check_says http://NEWS.test:80/archive/../forbidden.html block
}

show_manual_entry() {
  local page=http://news.test/breaking.html start milliseconds
  heading "A page that an operator adds is blocked at once"
  visit "$page"
  expect "it loads before" loads news.test /breaking.html
  start=${EPOCHREALTIME/[.,]/}
  run_weirctl add news.test/breaking.html --list local --comment "order 17"
  while visit "$page"; [[ $STATUS != 451 && $((${EPOCHREALTIME/[.,]/} - start)) -lt 5000000 ]]; do sleep 0.01; done
  milliseconds=$(((${EPOCHREALTIME/[.,]/} - start) / 1000))
  expect "blocked $milliseconds ms after the command was typed (within a second)" \
    test "$STATUS/$((milliseconds < 1000))" = 451/1

  heading "When it is removed, it loads again"
  run_weirctl remove news.test/breaking.html --list local
  show_visit "$page"
  expect "nginx answered" loads news.test /breaking.html
}

show_reload() {
  heading "The feed publishes a new list: reload it"
  sed -e '/forbidden.html/d' "$HERE/quickstart/list.txt" >"$DIR/feed/list.new"
  echo "news.test/harmful.html" >>"$DIR/feed/list.new"
  mv "$DIR/feed/list.new" "$DIR/feed/list.txt"
  run_weirctl reload hotline
  expect "every worker uses the new list" weirctl_succeeds
  show_visit http://news.test/harmful.html
  expect "the new entry is blocked" blocked_page
  show_visit http://news.test/forbidden.html
  expect "the removed entry loads" loads news.test /forbidden.html
}

show_metrics() {
  heading "Metrics for Prometheus"
  command_line "curl http://127.0.0.1:9477/metrics | grep ..."
  in_ns edge curl -q --silent --noproxy '*' --max-time 10 http://127.0.0.1:9477/metrics >"$DIR/metrics" || true
  grep -E '^weir_(dataplane_up|snapshot_generation|list_entries|requests_total|blocked_total)\b' "$DIR/metrics" |
    grep -v ' 0$' | indented || true
  expect "blocked requests are counted" grep -qE '^weir_blocked_total\{.*\} [1-9]' "$DIR/metrics"
}

show_access_log() {
  local listed='(news\.test/harmful|casino\.test)'
  heading "No listed request reached nginx"
  command_line "grep -cE '$listed' access.log"
  echo "    $(grep -cE "$listed" "$DIR/origin-access.log" || true) of $(wc -l <"$DIR/origin-access.log") lines"
  expect "nginx has none of them in its log" access_log_clean "$listed"
}

# forbidden.html and breaking.html were not listed for a while. They were requested only then, once or twice each.
access_log_clean() {
  ! grep -qE "$1" "$DIR/origin-access.log" &&
    [[ $(grep -c '/forbidden.html ' "$DIR/origin-access.log") -eq 1 ]] &&
    [[ $(grep -c '/breaking.html ' "$DIR/origin-access.log") -ge 2 ]]
}

summary() {
  echo
  if [[ $failures -eq 0 ]]; then
    echo "${GREEN}$TICK all $steps steps worked${PLAIN}"
  else
    die_with_logs "$failures checks failed"
  fi
}

die_with_logs() {
  local name
  for name in weir-dataplane weir-control nginx-origin nginx-feed; do show_log "$name"; done
  die "$*"
}

how_to_use() {
  cat <<TEXT

Everything is still running (--keep). Run these as root.
Visit a page as the client:
    ip netns exec $NS-client curl --config $DIR/curl.conf http://news.test/any/page
Work as the operator:
    ip netns exec $NS-edge $BIN/weirctl --socket $DIR/control.sock status
    ip netns exec $NS-edge $BIN/weirctl --socket $DIR/control.sock add news.test/any/page
    ip netns exec $NS-edge curl http://127.0.0.1:9477/metrics
The feed (edit it, then run \`weirctl reload\` as above):  $DIR/feed/list.txt
The configuration and the logs:                         $DIR/weir.yaml $DIR/*.log
Stop and remove everything:
    $HERE/quickstart.sh --stop $DIR
TEXT
}
