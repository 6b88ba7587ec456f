"""Lists, feeds, events and the self-test: what operators and list managers do."""
