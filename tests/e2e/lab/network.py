"""Network namespaces and the wire between them."""

import contextlib
import ctypes
import os
import socket
import subprocess

from . import cleanup

CLIENT_V4, CLIENT_V6 = "192.0.2.2", "2001:db8::2"
ORIGIN_V4, ORIGIN_V6 = "192.0.2.80", "2001:db8::80"
CLIENT_MAC, ORIGIN_MAC = "02:00:00:00:00:02", "02:00:00:00:00:80"

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


# The core that takes in the frames of every interface, as the kernel reads and writes core masks: 32 bits a word.
_RECEIVING_CORE = min(os.sched_getaffinity(0))
_RECEIVING_CORE_MASK = f"{1 << _RECEIVING_CORE % 32:x}" + ",00000000" * (_RECEIVING_CORE // 32)


def _setns(descriptor):
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """A network namespace, removed at the end of the run."""

    _count = 0

    def __init__(self, role):
        Namespace._count += 1
        self.name = f"{cleanup.RUN}-{Namespace._count}-{role}"
        self._undo = cleanup.on_exit(lambda: cleanup.delete_namespace(self.name))
        _ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        return _ip("-n", self.name, *arguments)

    def execute(self, *command):
        subprocess.run(["ip", "netns", "exec", self.name, *command], check=True, capture_output=True, text=True)

    def set_up(self, interface):
        """Brings an end of a wire into service, and makes the wire keep the order of the frames.

        Each end of a veth pair hands its frames to the other end on the core where the sender happens to run. TCP sends
        from several cores: from the process, from a timer, and where an acknowledgement comes in. One core's frames can
        then overtake another's. No wire does that, and TCP takes it for loss. So one core takes in all of them.
        """
        self.execute("sh", "-c", 'for queue in "/sys/class/net/$1/queues/rx-"*; do echo "$2" >"$queue/rps_cpus"; done',
                     "sh", interface, _RECEIVING_CORE_MASK)
        self.ip("link", "set", interface, "up")

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace for the block; sockets made there stay there."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def connect(self, address, port, timeout=10.0):
        """A TCP connection made from here."""
        with self.entered():
            return socket.create_connection((address, port), timeout=timeout)

    def sysctl(self, **settings):
        with self.entered():
            for key, value in settings.items():
                path = "/proc/sys/net/" + key.replace("__", "/")
                descriptor = os.open(path, os.O_WRONLY)
                try:
                    os.write(descriptor, str(value).encode())
                finally:
                    os.close(descriptor)

    def snmp(self):
        """The counters of /proc/net/snmp and /proc/net/netstat of this namespace: {"TcpRetransSegs": 0, ...}"""
        values = {}
        with self.entered():
            for source in ("snmp", "netstat"):
                with open(f"/proc/thread-self/net/{source}", encoding="ascii") as file:
                    lines = file.read().splitlines()
                for names, numbers in zip(lines[::2], lines[1::2]):
                    kind, *keys = names.split()
                    for key, number in zip(keys, numbers.split()[1:]):
                        values[kind.rstrip(":") + key] = int(number)
        return values

    def interface_counters(self, interface):
        """Packets and drops of an interface as the kernel counts them."""
        with self.entered(), open("/proc/thread-self/net/dev", encoding="ascii") as file:
            for line in file:
                name, _, numbers = line.partition(":")
                if name.strip() == interface:
                    n = [int(word) for word in numbers.split()]
                    return {"rx": n[1], "rx_errors": n[2], "rx_dropped": n[3],
                            "tx": n[9], "tx_errors": n[10], "tx_dropped": n[11]}
        raise RuntimeError(f"{self.name} has no interface {interface}")

    def connections(self, port=None):
        """How many TCP connections (no listeners, no TIME_WAIT) have `port` as their local one; None: any."""
        count = 0
        with self.entered():
            for source in ("tcp", "tcp6"):
                with open(f"/proc/thread-self/net/{source}", encoding="ascii") as file:
                    for line in file.readlines()[1:]:
                        local, state = line.split()[1], line.split()[3]
                        if port in (None, int(local.rpartition(":")[2], 16)) and state not in ("0A", "06"):
                            count += 1
        return count

    def delete(self):
        cleanup.delete_namespace(self.name)
        cleanup.done(self._undo)


class Wire:
    """client.lan0 === edge.sub0, edge.net0 === origin.wan0. What is between sub0 and net0 is Weir's task.

    Offloads that leave checksums unfinished or make frames larger than the MTU are off, as on a real wire.
    With `addresses` false the ends are silent: no frame but those that a test sends.
    """

    origin_v4, origin_v6 = ORIGIN_V4, ORIGIN_V6

    def __init__(self, mtu=1500, addresses=True):
        self.client, self.edge, self.origin = Namespace("client"), Namespace("edge"), Namespace("origin")
        silent = [self.edge] if addresses else [self.client, self.edge, self.origin]
        for namespace in silent:
            namespace.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        # One queue each: AF_XDP serves the one that it is bound to.
        for end, name, mac, inner in ((self.client, "lan0", CLIENT_MAC, "sub0"), (self.origin, "wan0", ORIGIN_MAC, "net0")):
            end.ip("link", "add", name, "mtu", str(mtu), "address", mac, "numtxqueues", "1", "numrxqueues", "1",
                   "type", "veth", "peer", "name", inner, "mtu", str(mtu), "numtxqueues", "1", "numrxqueues", "1",
                   "netns", self.edge.name)
            end.execute("ethtool", "-K", name, "tx", "off")
            self.edge.execute("ethtool", "-K", inner, "gro", "off", "tx", "off")
        if addresses:
            self._address(self.client, "lan0", CLIENT_V4, CLIENT_V6)
            self._address(self.origin, "wan0", ORIGIN_V4, ORIGIN_V6)
        for namespace, name in ((self.edge, "sub0"), (self.edge, "net0"), (self.client, "lan0"), (self.origin, "wan0")):
            namespace.set_up(name)

    @staticmethod
    def _address(namespace, interface, v4, v6):
        namespace.ip("address", "add", f"{v4}/24", "dev", interface)
        namespace.ip("address", "add", f"{v6}/64", "dev", interface, "nodad")

    def delete(self):
        for namespace in (self.client, self.edge, self.origin):
            namespace.delete()


class Mirror(Wire):
    """client.lan0 === switch === origin.wan0; the switch copies both directions of the client's port to edge.sub0.

    edge.net0 is a port of the switch like the others, but for its learning no addresses: answers come from there
    under those of the two ends.
    """

    def __init__(self, mtu=1500):
        self.client, self.edge, self.origin = Namespace("client"), Namespace("edge"), Namespace("origin")
        self.switch = Namespace("switch")
        for namespace in (self.edge, self.switch):
            namespace.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        self.switch.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.switch.ip("link", "set", "br0", "up")
        for end, name, mac, port in ((self.client, "lan0", CLIENT_MAC, "to-client"), (self.origin, "wan0", ORIGIN_MAC, "to-origin"),
                                     (self.edge, "sub0", None, "copy"), (self.edge, "net0", None, "answers")):
            address = ["address", mac] if mac else []
            end.ip("link", "add", name, "mtu", str(mtu), *address, "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
                   "peer", "name", port, "mtu", str(mtu), "netns", self.switch.name)
            end.execute("ethtool", "-K", name, "tx", "off", "gro", "off")
            self.switch.execute("ethtool", "-K", port, "tx", "off", "gro", "off")
            if port != "copy":
                self.switch.ip("link", "set", port, "master", "br0")
        self.switch.ip("link", "set", "answers", "type", "bridge_slave", "learning", "off")
        self._address(self.client, "lan0", CLIENT_V4, CLIENT_V6)
        self._address(self.origin, "wan0", ORIGIN_V4, ORIGIN_V6)
        for namespace, name in ((self.edge, "sub0"), (self.edge, "net0"), (self.client, "lan0"), (self.origin, "wan0"),
                                *((self.switch, port) for port in ("to-client", "to-origin", "copy", "answers"))):
            namespace.set_up(name)
        self.switch.execute("tc", "qdisc", "add", "dev", "to-client", "clsact")
        for direction in ("ingress", "egress"):
            self.switch.execute("tc", "filter", "add", "dev", "to-client", direction, "protocol", "all", "u32",
                                "match", "u32", "0", "0", "action", "mirred", "egress", "mirror", "dev", "copy")

    def delete(self):
        super().delete()
        self.switch.delete()


def _veth(end, name, mac, other, other_name, other_mac):
    """A wire between two namespaces, without offloads that leave frames unfinished."""
    for namespace, interface, address in ((end, name, mac), (other, other_name, other_mac)):
        if namespace is end:
            end.ip("link", "add", name, "address", address, "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
                   "peer", "name", other_name, "netns", other.name)
        else:
            other.ip("link", "set", other_name, "address", other_mac)
        namespace.execute("ethtool", "-K", interface, "tx", "off", "gro", "off")
        namespace.set_up(interface)


SUBSCRIBER_MAC, NETWORK_MAC = "02:00:00:00:00:aa", "02:00:00:00:00:bb"  # of Weir's ports


class TwoArmed(Wire):
    """client.lan0 === edge.sub0, edge.net0 === origin.wan0, as Wire; but the two ends are in networks of their own,
    and Weir is the router between them: at 192.0.2.1 and 198.51.100.1, 2001:db8::1 and 2001:db8:1::1."""

    origin_v4, origin_v6 = "198.51.100.80", "2001:db8:1::80"
    weir_v4, weir_v6 = "192.0.2.1", "2001:db8::1"
    far_v4, far_v6 = "198.51.100.1", "2001:db8:1::1"
    ports = (
        {"role": "subscriber", "addresses": ["192.0.2.1/24", "2001:db8::1/64"], "next_hops": [CLIENT_V4, CLIENT_V6]},
        {"role": "network", "addresses": ["198.51.100.1/24", "2001:db8:1::1/64"], "next_hops": [origin_v4, origin_v6]},
    )

    def __init__(self, far_mtu=1500):
        self.client, self.edge, self.origin = Namespace("client"), Namespace("edge"), Namespace("origin")
        self.edge.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        _veth(self.client, "lan0", CLIENT_MAC, self.edge, "sub0", SUBSCRIBER_MAC)
        _veth(self.origin, "wan0", ORIGIN_MAC, self.edge, "net0", NETWORK_MAC)
        for namespace, interface in ((self.origin, "wan0"), (self.edge, "net0")):
            namespace.ip("link", "set", interface, "mtu", str(far_mtu))
        self._address(self.client, "lan0", CLIENT_V4, CLIENT_V6)
        self._address(self.origin, "wan0", self.origin_v4, self.origin_v6)
        for end, v4, v6 in ((self.client, self.weir_v4, self.weir_v6), (self.origin, self.far_v4, self.far_v6)):
            end.ip("route", "add", "default", "via", v4)
            end.ip("-6", "route", "add", "default", "via", v6)


class OneArmed(Wire):
    """client.lan0 === router === origin.wan0; the router sends what comes from either over router.weir0 === edge.sub0
    and takes it from there back again: what a diverting route does."""

    origin_v4, origin_v6 = "198.51.100.80", "2001:db8:1::80"
    weir_v4, weir_v6 = "203.0.113.1", "2001:db8:2::1"
    ports = ({"role": "hop", "addresses": ["203.0.113.1/24", "2001:db8:2::1/64"],
              "next_hops": ["203.0.113.254", "2001:db8:2::fe"]},)

    def __init__(self):
        self.client, self.edge, self.origin = Namespace("client"), Namespace("edge"), Namespace("origin")
        self.router = Namespace("router")
        self.edge.sysctl(ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
        _veth(self.client, "lan0", CLIENT_MAC, self.router, "lan1", "02:00:00:00:01:01")
        _veth(self.origin, "wan0", ORIGIN_MAC, self.router, "wan1", "02:00:00:00:01:02")
        _veth(self.router, "weir0", "02:00:00:00:01:03", self.edge, "sub0", SUBSCRIBER_MAC)
        self._address(self.client, "lan0", CLIENT_V4, CLIENT_V6)
        self._address(self.origin, "wan0", self.origin_v4, self.origin_v6)
        self._address(self.router, "lan1", "192.0.2.1", "2001:db8::1")
        self._address(self.router, "wan1", "198.51.100.1", "2001:db8:1::1")
        self._address(self.router, "weir0", "203.0.113.254", "2001:db8:2::fe")
        for end, v4, v6 in ((self.client, "192.0.2.1", "2001:db8::1"), (self.origin, "198.51.100.1", "2001:db8:1::1")):
            end.ip("route", "add", "default", "via", v4)
            end.ip("-6", "route", "add", "default", "via", v6)
        self.router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv4__conf__all__rp_filter=0,
                           ipv4__conf__weir0__rp_filter=0, ipv4__conf__all__send_redirects=0)
        for family, weir in (("-4", self.weir_v4), ("-6", self.weir_v6)):
            self.router.ip(family, "route", "add", "default", "via", weir, "table", "100")
            for interface in ("lan1", "wan1"):
                self.router.ip(family, "rule", "add", "iif", interface, "lookup", "100")

    def delete(self):
        super().delete()
        self.router.delete()
