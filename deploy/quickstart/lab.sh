# shellcheck shell=bash
# The lab of deploy/quickstart.sh: namespaces, certificates, servers, and Weir's programs.
# Everything is in network namespaces named $NS-... and in the directory $DIR, and is removed with them.

CLIENT=192.0.2.2
ORIGIN=192.0.2.80
EDGE_MANAGEMENT=198.51.100.1
FEED=198.51.100.2
HOSTS=(news.test shop.test casino.test)
ROLES=(client edge origin feed)

in_ns() { local role=$1; shift; ip netns exec "$NS-$role" "$@"; }

make_network() {
  local role
  for role in "${ROLES[@]}"; do
    ip netns add "$NS-$role"
    ip -n "$NS-$role" link set lo up
  done
  make_link client lan0 edge sub0
  make_link origin wan0 edge net0
  make_link feed mgmt0 edge mgmt0
  ip -n "$NS-client" address add "$CLIENT/24" dev lan0
  ip -n "$NS-origin" address add "$ORIGIN/24" dev wan0
  ip -n "$NS-feed" address add "$FEED/24" dev mgmt0
  ip -n "$NS-edge" address add "$EDGE_MANAGEMENT/24" dev mgmt0
}

# make_link ROLE INTERFACE ROLE INTERFACE: a virtual cable. Offloads are off, so that it carries the same as a
# real cable: finished checksums, and no frame larger than the MTU.
make_link() {
  ip -n "$NS-$1" link add "$2" type veth peer name "$4" netns "$NS-$3"
  in_ns "$3" sysctl -q -w "net.ipv6.conf.$4.disable_ipv6=1"
  in_ns "$1" ethtool -K "$2" tx off >/dev/null
  in_ns "$3" ethtool -K "$4" tx off gro off >/dev/null
  ip -n "$NS-$1" link set "$2" up
  ip -n "$NS-$3" link set "$4" up
}

make_certificates() {
  local new_key=(-newkey ec -pkeyopt "ec_paramgen_curve:prime256v1" -nodes -days 7)
  openssl req -x509 "${new_key[@]}" -subj "/CN=Weir quickstart CA" -keyout "$DIR/ca.key" -out "$DIR/ca.pem" 2>/dev/null
  make_certificate origin "$(printf 'DNS:%s,' "${HOSTS[@]}")DNS:origin.test"
  make_certificate feed "IP:$FEED"
}

make_certificate() {
  openssl req -x509 "${new_key[@]}" -subj "/CN=$1" -CA "$DIR/ca.pem" -CAkey "$DIR/ca.key" \
    -addext "subjectAltName=$2" -addext "basicConstraints=critical,CA:FALSE" \
    -keyout "$DIR/$1.key" -out "$DIR/$1.pem" 2>/dev/null
}

# The last CPU that we may use. If there are two, the first is left to the servers.
worker_cpu() { sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]*\)$/\1/p' /proc/self/status; }

fill_in() {
  sed -e "s|@DIR@|$DIR|g" -e "s|@FEED@|$FEED|g" -e "s|@WORKER@|$(worker_cpu)|g" "$HERE/quickstart/$1.in" >"$DIR/$1"
}

make_files() {
  mkdir -p "$DIR/tmp" "$DIR/feed" "$DIR/state/snapshots"
  local name host
  for name in origin.conf feed.conf weir.yaml; do fill_in "$name"; done
  cp "$HERE/quickstart/list.txt" "$DIR/feed/list.txt"
  openssl rand -hex 12 >"$DIR/feed.pass"
  printf 'isp:%s\n' "$(openssl passwd -apr1 -in "$DIR/feed.pass")" >"$DIR/feed.htpasswd"
  {
    echo "cacert = \"$DIR/ca.pem\""
    echo 'noproxy = "*"'
    echo 'max-time = 10'
    for host in "${HOSTS[@]}"; do
      echo "resolve = \"$host:80:$ORIGIN\""
      echo "resolve = \"$host:443:$ORIGIN\""
    done
  } >"$DIR/curl.conf"
}

# start NAME ROLE COMMAND...: runs it in the background. Output goes to $DIR/NAME.log; the process id is kept for
# the end. It gets its own session, so that Ctrl-C reaches only the script, which stops the rest in order.
start() {
  local name=$1 role=$2
  shift 2
  setsid ip netns exec "$NS-$role" "$@" </dev/null >>"$DIR/$name.log" 2>&1 &
  echo "$! $name" >>"$DIR/pids"
}

runs() { kill -0 "$(awk -v name="$1" '$2 == name { print $1 }' "$DIR/pids")" 2>/dev/null; }

# wait_for NAME COMMAND...: waits until COMMAND succeeds, while the program NAME runs, for at most 20 s.
wait_for() {
  local name=$1 deadline=$((SECONDS + 20))
  shift
  until "$@" >/dev/null 2>&1; do
    runs "$name" || { show_log "$name"; die "$name exited before it was ready"; }
    [[ $SECONDS -lt $deadline ]] || { show_log "$name"; die "$name is not ready after 20 s"; }
    sleep 0.05
  done
}

listens() { in_ns "$1" bash -c "exec 3<>/dev/tcp/127.0.0.1/443"; }
snapshot_active() { weirctl --json status | grep -q '"generation": *[1-9]'; }

start_servers() {
  start nginx-origin origin nginx -c "$DIR/origin.conf" -e "$DIR/origin-error.log"
  start nginx-feed feed nginx -c "$DIR/feed.conf" -e "$DIR/feed-error.log"
  wait_for nginx-origin listens origin
  wait_for nginx-feed listens feed
}

start_weir() {
  start weir-dataplane edge "$BIN/weir-dataplane" --config "$DIR/weir.yaml"
  wait_for weir-dataplane test -S "$DIR/dataplane.sock"
  start weir-control edge "$BIN/weir-control" --config "$DIR/weir.yaml"
  wait_for weir-control snapshot_active
}

show_log() {
  local file="$DIR/$1.log"
  [[ -s $file ]] || return 0
  echo "--- last lines of the log of $1" >&2
  tail -n 12 "$file" >&2
}

# Stops the programs that this run started, newest first, and removes the namespaces and the directory. A process
# id that now belongs to another program is left alone.
remove_lab() {
  local dir=$1 ns=$2 pid name role
  local -a ours=()
  while read -r pid name; do
    [[ $(ip netns identify "$pid" 2>/dev/null) == "$ns-"* ]] && ours=("$pid" "${ours[@]}")
  done < <(cat "$dir/pids" 2>/dev/null)
  for pid in "${ours[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${ours[@]}"; do
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  for role in "${ROLES[@]}"; do ip netns delete "$ns-$role" 2>/dev/null || true; done
  rm -rf -- "$dir"
}

# Removes what a killed quickstart left behind. Leaves alone what --keep left running.
remove_leftovers() {
  local dir ns
  for dir in /tmp/weir-quickstart.*; do
    # Only directories that root owns: anybody can create one with that name.
    [[ -O $dir && -r $dir/namespace && ! -e $dir/kept ]] || continue
    ns=$(cat "$dir/namespace")
    kill -0 "${ns##*-}" 2>/dev/null || remove_lab "$dir" "$ns"
  done
}
