"""The command line: parse, configure, run a stage, show what came out."""
