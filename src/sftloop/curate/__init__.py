"""What is wrong with a data set, what the model already knows of it, and which records to train on."""
