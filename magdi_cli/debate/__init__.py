"""Room 1: teachers discuss each problem in rounds."""
