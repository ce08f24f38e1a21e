raise RuntimeError("modules of a nested package are not looked at")
