#![no_main]

fuzz::target!(hostile::targets::connector_config);
