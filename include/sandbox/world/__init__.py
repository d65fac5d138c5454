"""The world: every record the three systems hold, built once per set of options and kept in the state folder."""
