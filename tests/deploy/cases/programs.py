"""The programs as they are built: hardening, what they say of themselves, the bill of materials."""

import json
import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_BUILD = Path(os.environ.get("WEIR_DEPLOY_BUILD", _ROOT / "build/release"))
_PROGRAMS = ("weir-dataplane", "weir-control", "weirctl", "weir-replay")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def cache(variable):
    """A variable of the build tree."""
    return re.search(rf"(?m)^{variable}:\w+=(.*)$", (_BUILD / "CMakeCache.txt").read_text())[1]


def readelf(program, *options):
    return run("readelf", "--wide", *options, _BUILD / "bin" / program).stdout


_PATH_CHARACTER = re.compile(rb"[\w.+~/\x80-\xff-]")


def build_paths(program, directory):
    """The paths into `directory` in the bytes of a program.

    Such a path begins where a path can begin, or after an option such as -I, and leads to something that exists.
    /etc/weir/weir.yaml is no path into a clone at /weir, nor is the /weir of /var/lib/weir where the compiler has split
    the text between two instructions. The directory alone counts only as a whole string.
    """
    data, found = Path(program).read_bytes(), set()
    for match in re.finditer(re.escape(os.fsencode(directory)) + rb"(/[\w.+~-]+)?[\w.+~/-]*", data):
        before = re.sub(rb"-[A-Za-z]+\Z", b"", data[max(0, match.start() - 40):match.start()])
        if _PATH_CHARACTER.match(before[-1:]):
            continue
        if match[1]:
            real = os.path.exists(os.fsencode(directory) + match[1])
        else:
            real = match[0].rstrip(b"/") == os.fsencode(directory) and before[-1:] == data[match.end():match.end() + 1] == b"\0"
        if real:
            found.add(os.fsdecode(match[0]))
    return found


class Hardening(unittest.TestCase):
    """https://wiki.debian.org/Hardening and CET, read from the files."""

    def test_position_independent(self):
        for program in _PROGRAMS:
            self.assertRegex(readelf(program, "--file-header"), r"Type: +DYN")
            self.assertRegex(readelf(program, "--dynamic"), r"FLAGS_1\).*\bPIE\b")

    def test_relocations_are_read_only_and_made_at_the_start(self):
        for program in _PROGRAMS:
            self.assertIn("GNU_RELRO", readelf(program, "--program-headers"))
            self.assertRegex(readelf(program, "--dynamic"), r"FLAGS_1\).*\bNOW\b")

    def test_the_stack_cannot_be_executed(self):
        for program in _PROGRAMS:
            self.assertRegex(readelf(program, "--program-headers"), r"GNU_STACK .* RW +0x")

    def test_stack_protector_and_fortified_functions(self):
        for program in _PROGRAMS:
            symbols = readelf(program, "--dyn-syms")
            self.assertIn("__stack_chk_fail", symbols)
            self.assertRegex(symbols, r"__\w+_chk@")

    def test_control_flow_is_marked(self):
        """CET, in every object of ours. Debian 12's start-up files have no such mark, so the programs as a whole have none."""
        libraries = [*_BUILD.glob("dataplane/**/libweir_*.a"), *_BUILD.glob("control/**/libweir_*.a")]
        self.assertGreater(len(libraries), 30)
        for library in libraries:
            text = run("readelf", "--wide", "--notes", library).stdout
            objects = len(re.findall(r"(?m)^File: ", text))
            self.assertGreater(objects, 0, library)
            self.assertEqual(len(re.findall("x86 feature: IBT, SHSTK", text)), objects, library)

    def test_flags(self):
        """What the files do not show: the level of _FORTIFY_SOURCE, stack clash protection."""
        commands = json.loads((_BUILD / "compile_commands.json").read_text())
        parts = [Path(cache(tree), part) for tree in ("CMAKE_HOME_DIRECTORY", "CMAKE_CACHEFILE_DIR")
                 for part in ("dataplane", "control", "config")]
        ours = [shlex.split(entry["command"]) for entry in commands
                if any(Path(entry["file"]).is_relative_to(part) for part in parts)]
        self.assertGreater(len(ours), 15)
        for words in ours:
            fortify = [word for word in words if "FORTIFY" in word]
            self.assertEqual(fortify[-1], "-D_FORTIFY_SOURCE=3", words[-1])
            self.assertTrue({"-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full"} <= set(words))

    def test_no_path_of_the_build_is_in_them(self):
        """Else the same source gives other bytes in another directory."""
        for program in _PROGRAMS:
            for directory in (_ROOT, _BUILD):
                self.assertEqual(build_paths(_BUILD / "bin" / program, directory), set(), program)


class Libraries(unittest.TestCase):
    def test_the_dataplane_has_nothing_that_compiles_lists(self):
        """Names in Unicode and public suffixes matter when a list is compiled, never to a packet."""
        needed = {program: set(re.findall(r"NEEDED.*\[(lib\w+)", readelf(program, "--dynamic"))) for program in _PROGRAMS}
        self.assertLessEqual({"libidn2", "libpsl"}, needed["weir-control"])
        self.assertEqual({"libidn2", "libpsl", "libcurl"} & needed["weir-dataplane"], set())

    def test_only_the_dataplane_has_dpdk(self):
        for program in _PROGRAMS:
            self.assertEqual("librte_eal" in readelf(program, "--dynamic"), program == "weir-dataplane", program)


class BuildPaths(unittest.TestCase):
    """A path of the build is found, and no other path is taken for one."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.checkout = Path(directory.name).resolve() / "weir"
        (self.checkout / "control").mkdir(parents=True)
        self.program = self.checkout.parent / "program"

    def test_build_paths_in_bytes(self):
        here = os.fsencode(self.checkout)
        inside, root, nothing = {here + b"/control/main.cpp"}, {here}, set()
        table = {
            "a string": (b"\0" + here + b"/control/main.cpp\0", inside),
            "the first bytes": (here + b"/control/main.cpp", inside),
            "in a list": (b"\0/usr/lib:" + here + b"/control/main.cpp:/lib\0", inside),
            "after an option": (b"\0cc -I" + here + b"/control/main.cpp -O2\0", inside),
            "the checkout itself": (b"\0" + here + b"\0", root),
            "the end of another path": (b"\0/etc" + here + b"/control\0", nothing),
            "after another name": (b"\0etc" + here + b"/control\0", nothing),
            "what is not in the checkout": (b"\0" + here + b"/weir.yaml\0", nothing),
            "a longer name": (b"\0" + here + b"-control/control\0", nothing),
            "split between two instructions": (b"\x48\xb8/var/lib\x48\xba" + here + b"/sn\x48", nothing),
            "its end in an instruction": (b"\x48\xb8/var/lib\x48\xba" + here + b"\0", nothing),
        }
        for what, (data, expected) in table.items():
            with self.subTest(what):
                self.program.write_bytes(data)
                self.assertEqual(build_paths(self.program, self.checkout), set(map(os.fsdecode, expected)))

    def test_build_paths_in_a_real_program(self):
        source = self.checkout / "control/main.cpp"
        source.write_text(f'#include <cstdio>\nint main() {{ return std::puts("/etc{source}"); }}\n')
        for option, mapped in (("-DNDEBUG", False), (f"-ffile-prefix-map={self.checkout}=.", True)):
            done = run(cache("CMAKE_CXX_COMPILER"), "-g", option, "-o", self.program, source, cwd=self.checkout)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(str(source) in build_paths(self.program, self.checkout), not mapped)
        self.assertEqual(build_paths(self.program, self.checkout), set(), "with the map")


class Manual(unittest.TestCase):
    def page(self, name):
        files = [*(_ROOT / "deploy/man").glob(f"{name}.[158]"), *(_BUILD / "deploy/man").glob(f"{name}.[158]")]
        self.assertEqual(len(files), 1, f"{name}: {files}")
        done = run("man", "--warnings", "--local-file", files[0],
                   env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""})
        self.assertEqual((done.returncode, done.stderr), (0, ""), name)
        return done.stdout

    def test_every_option_is_in_the_manual(self):
        for program in _PROGRAMS:
            with self.subTest(program):
                options = set(re.findall(r"--[a-z][a-z-]+", run(_BUILD / "bin" / program, "--help").stdout))
                self.assertIn("--check-config", options)
                text = self.page(program).replace("‐", "-").replace("−", "-")
                self.assertEqual({option for option in options if option not in text}, set())

    def test_every_command_of_weirctl_is_in_the_manual(self):
        commands = re.findall(r"^  (\w+)", run(_BUILD / "bin/weirctl", "--help").stdout.partition("\nOptions")[0], re.M)
        self.assertIn("selftest", commands)
        text = self.page("weirctl")
        self.assertEqual([name for name in commands if not re.search(rf"(?m)^ +{name}\b", text)], [])

    def test_every_setting_is_in_the_manual(self):
        settings = re.findall(r"^\| `([a-z_.]+)` \|", (_ROOT / "config/reference.md").read_text(), re.M)
        self.assertGreater(len(settings), 50)
        text = self.page("weir.yaml")
        self.assertEqual([name for name in settings if not re.search(rf"(?m)^ +{re.escape(name)}\b", text)], [])

    def test_completion_is_a_script(self):
        done = run("bash", "-c", 'source "$1" && complete -p weirctl', "bash", _BUILD / "deploy/man/weirctl.bash")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("_weirctl", done.stdout)


class Materials(unittest.TestCase):
    def test_bill_of_materials(self):
        done = run(_ROOT / "deploy/sbom", *(_BUILD / "bin" / program for program in _PROGRAMS),
                   env={**os.environ, "SOURCE_DATE_EPOCH": "86400"})
        self.assertEqual(done.returncode, 0, done.stderr)
        bill = json.loads(done.stdout)
        self.assertEqual((bill["spdxVersion"], bill["creationInfo"]["created"]), ("SPDX-2.3", "1970-01-02T00:00:00Z"))
        packages = {package["name"]: package for package in bill["packages"]}
        self.assertEqual(len({package["SPDXID"] for package in packages.values()}), len(bill["packages"]))
        for name in (*_PROGRAMS, "libc6", "librte-eal23", "libssl3", "librte-mempool-ring23", "nlohmann-json3-dev"):
            self.assertTrue(packages[name]["versionInfo"], name)
        known = {package["SPDXID"] for package in bill["packages"]} | {"SPDXRef-DOCUMENT"}
        for relationship in bill["relationships"]:
            self.assertLessEqual({relationship["spdxElementId"], relationship["relatedSpdxElement"]}, known)
