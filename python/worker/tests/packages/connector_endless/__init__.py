import time

print("importing")
time.sleep(600)
