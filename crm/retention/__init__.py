"""保管与销毁: how long recordings are kept and why, what is held, and the lists by which they lawfully end."""
