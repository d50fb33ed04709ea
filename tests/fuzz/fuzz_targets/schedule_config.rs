#![no_main]

fuzz::target!(hostile::targets::schedule_config);
