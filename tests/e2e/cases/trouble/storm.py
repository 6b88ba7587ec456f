"""Hot reloads under load: nothing is lost, nothing breaks."""

import threading
import time

from lab.case import LabCase
from lab.load import Connections, Transfer
from lab.process import poll

RELOADS = 100
SECONDS = 60  # of the reloads, on a machine that keeps up
RATE_BYTES = 4_000_000  # per second: the laboratory's kernel carries that easily on one core
# What TCP counts in either namespace when something is lost, comes twice or comes out of order. On the laboratory's
# wires no frame overtakes another (see wires), so none of it has an innocent cause.
FAULT_COUNTERS = ("TcpRetransSegs", "TcpExtTCPLostRetransmit", "TcpExtTCPTimeouts", "TcpExtTCPLossProbes",
                  "TcpExtTCPSynRetrans", "TcpExtTCPOFOQueue", "TcpExtTCPDSACKRecv", "TcpExtTCPDSACKOfoRecv",
                  "TcpInErrs", "IpInDiscards", "IpOutDiscards")


class Storm(LabCase):
    first_list = ("news.test/forbidden", "listed.test")
    origin_options = {"large_bytes": 4 * RATE_BYTES, "rate": str(RATE_BYTES)}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A late acknowledgement on a busy machine must not look like a loss: longer timers, no probes.
        for namespace, interface in ((cls.wire.client, "lan0"), (cls.wire.origin, "wan0")):
            namespace.sysctl(ipv4__tcp_early_retrans=0)
            namespace.ip("route", "change", "192.0.2.0/24", "dev", interface, "rto_min", "5s")
        # The timer of a SYN cannot be set: one second without a worker would send it again.
        cls.weir.give_workers_their_cores()

    def interfaces(self):
        wire = self.wire
        return {name: namespace.interface_counters(name) for namespace, name in (
            (wire.client, "lan0"), (wire.edge, "sub0"), (wire.edge, "net0"), (wire.origin, "wan0"))}

    def steady_counters(self):
        """Counters of interfaces and ports, read while no packet is in between: the kernel sometimes sends its own."""
        def twice():
            first = self.interfaces(), self.weir.ports()
            time.sleep(0.05)
            self.weir.wait_for_a_turn()
            return first if first == (self.interfaces(), self.weir.ports()) else None

        return poll(twice, 20, what="a moment without packets")

    def test_hundred_reloads_lose_no_packet_and_break_no_connection(self):
        ends = (self.wire.client, self.wire.origin)
        losses = [end.snmp() for end in ends]
        links, ports = self.steady_counters()
        outcomes = self.weir.outcomes()
        stop = threading.Event()
        transfer, connections = Transfer(self, stop, self.origin_options["large_bytes"]), Connections(self, stop)
        transfer.start()
        connections.start()
        first = self.weir.generation()
        try:
            self._reload_again_and_again()
            self.assertTrue(transfer.is_alive(), transfer.failures)
        finally:
            stop.set()
            for load in (transfer, connections):
                load.join(30)
        self.assertEqual(transfer.failures + connections.failures, [])
        self.assertGreater(transfer.count, 2, "whole downloads")
        self.assertGreater(connections.count, 200, "new connections")
        self.assertGreaterEqual(self.weir.generation(), first + RELOADS)
        poll(lambda: self.origin.connections() == 0, 10, what="nginx has no connection left")
        self._assert_no_loss(losses, [end.snmp() for end in ends])
        self._assert_links_and_ports_agree(links, ports, outcomes)

    def _reload_again_and_again(self):
        generation, start = self.weir.generation(), time.monotonic()
        for number in range(RELOADS):
            # Each with a changed list: a reload without a change would test nothing.
            time.sleep(max(0.0, start + number * SECONDS / RELOADS - time.monotonic()))
            self.weir.write_list(*self.first_list, *(f"page{number}.test/{page}" for page in range(200)))
            answer = self.weir.ctl("reload", "hotline")
            self.assertTrue(answer["active"])
            # The watch over the file may have been first, and may have made a generation itself.
            self.assertGreater(answer["generation"], generation)
            self.assertGreaterEqual(generation := self.weir.generation(), answer["generation"])

    def _assert_no_loss(self, before, after):
        for end, old, new in zip(("client", "origin"), before, after):
            faults = {key: new[key] - old[key] for key in FAULT_COUNTERS if new[key] != old[key]}
            self.assertEqual(faults, {}, f"TCP of the {end}")

    def _assert_links_and_ports_agree(self, links, ports, outcomes):
        """Each end received what the other sent: by the counters of the interfaces, and of Weir between them."""
        self.assert_conserved()

        now, now_ports = self.steady_counters()
        for role, outer in (("subscriber", "lan0"), ("network", "wan0")):
            for link_key, port_key in (("tx", "received_packets"), ("rx", "transmitted_packets")):
                self.assertEqual(now[outer][link_key] - links[outer][link_key],
                                 now_ports[role][port_key] - ports[role][port_key], f"{outer} {link_key}, {role} {port_key}")
        now_outcomes = self.weir.outcomes()
        for role, outer, inner in (("subscriber", "lan0", "sub0"), ("network", "wan0", "net0")):
            self.assertEqual(now_ports[role]["missed_packets"], ports[role]["missed_packets"], role)
            for link in (outer, inner):
                for key in ("rx_dropped", "tx_dropped", "rx_errors", "tx_errors"):
                    self.assertEqual(now[link][key], links[link][key], f"{link} {key}")
        self.assertEqual(now_outcomes["drop_tx_full"], outcomes["drop_tx_full"])
        self.assertGreater(now_outcomes["drop_blocked"], outcomes["drop_blocked"])
