#!/usr/bin/env python3
"""Proves that the tables of a header are held against their enums when they are compiled.

usage: enum_tables_check.py CXX SOURCE HEADER

Compiles HEADER (a path within SOURCE) as it is, then copies of it in which every table has two rows swapped, a row
too few, a row too many, a name given twice, or an empty name. The header must compile, the copies must not: for each
table the compiler has to print the message of its static_assert. Exit status 0 if all of that holds.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

# inline constexpr auto kTable = std::to_array<...>({ ... }); in the layout of clang-format: a row begins with four
# spaces and a brace.
TABLE = re.compile(r"^inline constexpr auto (\w+) = std::to_array<[^\n]*>\(\{\n(.*?)^\}\);$", re.M | re.S)
ROW = re.compile(r"^    \{.*?\},\n(?=    \{|\Z)", re.M | re.S)
NAME = re.compile(r'"([^"]*)"')


def swapped(rows):
    return [rows[1], rows[0]] + rows[2:]


def one_too_few(rows):
    return rows[:-1]


def one_too_many(rows):
    return rows + [NAME.sub('"one_more"', rows[-1], count=1)]


def name_repeated(rows):
    first = NAME.search(rows[0])[0]
    return rows[:-1] + [NAME.sub(first, rows[-1], count=1)]


def name_empty(rows):
    return [NAME.sub('""', rows[0], count=1)] + rows[1:]


MUTATIONS = (swapped, one_too_few, one_too_many, name_repeated, name_empty)


def compiler_output(compiler, include_directories, header, directory):
    source = pathlib.Path(directory) / "unit.cpp"
    source.write_text(f'#include "{header}"\n')
    command = [compiler, "-std=c++20", "-fsyntax-only"]
    command += [f"-I{each}" for each in include_directories] + [str(source)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def main():
    compiler, source, header = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    text = (source / header).read_text()
    tables = [match[1] for match in TABLE.finditer(text)]
    faults = []
    if not tables:
        faults.append(f"{header}: no table found")
    with tempfile.TemporaryDirectory() as directory:
        status, output = compiler_output(compiler, [source], header, directory)
        if status != 0:
            faults.append(f"{header} does not compile as it is:\n{output}")
        for mutation in MUTATIONS:
            copy = pathlib.Path(directory) / mutation.__name__ / header
            copy.parent.mkdir(parents=True)
            copy.write_text(TABLE.sub(
                lambda match: match[0].replace(match[2], "".join(mutation(ROW.findall(match[2])))), text))
            status, output = compiler_output(compiler, [directory + "/" + mutation.__name__, source], header, directory)
            if status == 0:
                faults.append(f"{header} compiles with {mutation.__name__}")
            missing = [table for table in tables if f"{table}: one row for each" not in output]
            faults += [f"{header}: {mutation.__name__}: nothing is said about {table}" for table in missing]
    print("\n".join(faults) if faults else f"{header}: {len(tables)} tables, {len(MUTATIONS)} mistakes refused in each")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
