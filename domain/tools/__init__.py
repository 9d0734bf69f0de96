"""Tools as declared data: their actions, and the rules for the HTTP requests they make."""
