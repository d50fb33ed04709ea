#![no_main]

fuzz::target!(hostile::targets::idm_project);
