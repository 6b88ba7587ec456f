"""What is installed around the programs: privileges, monitoring, packages."""
