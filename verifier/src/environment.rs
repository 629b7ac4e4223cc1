//! What must hold of the process before any proof system code runs.
//!
//! Nothing that decides calls this: whoever starts a process does, once, before the first call into halo2.

/// Why nothing may run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// `MAX_DEGREE` is set; halo2 would read it, and stop the program when it is not a number.
    #[error("environment variable MAX_DEGREE is set: halo2 would change its circuits by it; unset it and start again")]
    MaxDegree,
    /// The field arithmetic of x86-64 builds is written for instructions that this processor lacks.
    #[error(
        "this processor lacks the {missing} instructions, which x86-64 builds need for field arithmetic (Intel since \
         2014, AMD since 2017 have them); run it on another machine"
    )]
    Processor {
        /// Name of the missing extension.
        missing: &'static str,
    },
}

/// Checks variables and processor.
///
/// # Errors
/// [`EnvironmentError`].
pub fn check() -> Result<(), EnvironmentError> {
    if std::env::var_os("MAX_DEGREE").is_some() {
        return Err(EnvironmentError::MaxDegree);
    }
    match missing_instructions() {
        Some(missing) => Err(EnvironmentError::Processor { missing }),
        None => Ok(()),
    }
}

#[cfg(target_arch = "x86_64")]
fn missing_instructions() -> Option<&'static str> {
    let extensions =
        [("ADX", std::arch::is_x86_feature_detected!("adx")), ("BMI2", std::arch::is_x86_feature_detected!("bmi2"))];
    extensions.into_iter().find(|(_, present)| !present).map(|(name, _)| name)
}

#[cfg(not(target_arch = "x86_64"))]
fn missing_instructions() -> Option<&'static str> {
    None
}
