#![no_main]

fuzz::target!(hostile::targets::scim_patch);
