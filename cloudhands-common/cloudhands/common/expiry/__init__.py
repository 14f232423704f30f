"""The end of an appliance's time: set at the launch, put off by people, kept by cloud-burst."""
