"""A laboratory for Weir: network namespaces, a wire between them, and the real programs on it.

    client --lan0===sub0-- edge (weir-dataplane) --net0===wan0-- origin (nginx)

Everything a run makes carries its process id in the name, is removed when the run ends however it
ends, and never touches what another run, or a Weir in service, has made.
"""
