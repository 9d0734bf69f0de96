"""Worker and keeper processes: they run the calls and clean up after them."""
