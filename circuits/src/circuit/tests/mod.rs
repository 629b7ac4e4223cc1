mod case;
mod linear;
mod operators;
mod structure;
