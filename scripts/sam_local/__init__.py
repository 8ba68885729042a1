"""The real `sam local` on this machine: a container engine, a base image, stand-ins for AWS, and the gateway."""
