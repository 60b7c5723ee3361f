//! Included scopes count.
//! Stops a vocabulary that is too large together with the one that it includes.

clearance::scopes! {
    /// Together with those of `McpScopes` one scope too many.
    pub vocabulary Scopes includes clearance::mcp::McpScopes;
    pub S0 = "s0";
    pub S1 = "s1";
    pub S2 = "s2";
    pub S3 = "s3";
    pub S4 = "s4";
    pub S5 = "s5";
    pub S6 = "s6";
    pub S7 = "s7";
    pub S8 = "s8";
    pub S9 = "s9";
    pub S10 = "s10";
    pub S11 = "s11";
    pub S12 = "s12";
    pub S13 = "s13";
    pub S14 = "s14";
    pub S15 = "s15";
    pub S16 = "s16";
    pub S17 = "s17";
    pub S18 = "s18";
    pub S19 = "s19";
    pub S20 = "s20";
    pub S21 = "s21";
    pub S22 = "s22";
    pub S23 = "s23";
    pub S24 = "s24";
    pub S25 = "s25";
    pub S26 = "s26";
    pub S27 = "s27";
    pub S28 = "s28";
    pub S29 = "s29";
    pub S30 = "s30";
    pub S31 = "s31";
    pub S32 = "s32";
    pub S33 = "s33";
    pub S34 = "s34";
    pub S35 = "s35";
    pub S36 = "s36";
    pub S37 = "s37";
    pub S38 = "s38";
    pub S39 = "s39";
    pub S40 = "s40";
    pub S41 = "s41";
    pub S42 = "s42";
    pub S43 = "s43";
    pub S44 = "s44";
    pub S45 = "s45";
    pub S46 = "s46";
    pub S47 = "s47";
    pub S48 = "s48";
    pub S49 = "s49";
    pub S50 = "s50";
    pub S51 = "s51";
    pub S52 = "s52";
    pub S53 = "s53";
    pub S54 = "s54";
    pub S55 = "s55";
}

fn main() {}
