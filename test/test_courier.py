"""The courier: reports go out once, whatever is killed."""
from ebbtest import done, ok

ok(True, "not there yet")
done()
