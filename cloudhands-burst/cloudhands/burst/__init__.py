"""cloud-burst and the cloud adapters: makes the world match what people asked for."""
