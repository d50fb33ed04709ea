#![no_main]

fuzz::target!(hostile::targets::oauth_answers);
