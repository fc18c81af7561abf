"""The ladder of nulls: one measure of the group against every opponent that a protocol declares."""
