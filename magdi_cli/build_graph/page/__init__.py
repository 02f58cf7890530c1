"""The graphs and their statistics as one page to look at."""

from magdi_cli.build_graph.page.write import write_page as write_page
