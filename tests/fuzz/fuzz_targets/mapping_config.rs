#![no_main]

fuzz::target!(hostile::targets::mapping_config);
