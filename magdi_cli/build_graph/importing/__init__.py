"""Debates from elsewhere: each importer reads one layout and yields debates, or what is wrong with a record."""
