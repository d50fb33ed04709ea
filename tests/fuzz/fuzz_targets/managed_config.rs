#![no_main]

fuzz::target!(hostile::targets::managed_config);
