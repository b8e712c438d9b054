"""Fair scheduling: whatever one company asks for, the calls of the others wait behind little of it."""
