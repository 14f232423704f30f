"""Who acts: a user or a component (a process). Every change has one."""
