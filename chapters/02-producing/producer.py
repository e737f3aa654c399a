# Adds a sensor reading to `sensor_readings` every second until Ctrl+C, as producer.ts does, from Python.
# It needs redis-py (python3 -m pip install redis) and a Redis (npm run redis). An argument sets the pace:
#   python3 chapters/02-producing/producer.py 0.1        a reading every 0.1 seconds
import itertools
import os
import random
import sys
import time

import redis

every_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

server = redis.Redis.from_url(
    os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"),
    decode_responses=True,  # replies as text; without it, ids come as bytes: b"1700000000000-0"
    socket_timeout=3,  # seconds: a silent connection is noticed
)

try:
    for sensor_id in itertools.count(1):
        reading = {
            "sensorId": sensor_id,
            "temperature": f"{random.uniform(10, 60):.2f}",
            "humidity": f"{random.uniform(20, 100):.2f}",
            "location": f"room_{sensor_id % 3 + 1}",
        }
        try:
            # Sent as: XADD sensor_readings MAXLEN ~ 1000 * sensorId 1 temperature ...
            entry_id = server.xadd("sensor_readings", reading, maxlen=1000, approximate=True)
            print(f"added {entry_id} sensor={sensor_id}", flush=True)
        except redis.RedisError as error:
            print(f"not added: {error}", file=sys.stderr, flush=True)
        time.sleep(every_seconds)
except KeyboardInterrupt:
    pass
finally:
    server.close()
