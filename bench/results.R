# Puts the sections that the benchmarks have written together: bench/RESULTS.md. The
# machine is named by its properties.

lines <- function(path) if (file.exists(path)) readLines(path)

field <- function(name) {
  found <- grep(paste0("^", name, "\\s*:"), lines("/proc/cpuinfo"), value = TRUE)
  sub("^[^:]*: *", "", found)
}
cache <- function(index) {
  folder <- paste0("/sys/devices/system/cpu/cpu0/cache/index", index)
  size <- lines(file.path(folder, "size"))
  if (length(size)) sprintf("L%s %s", lines(file.path(folder, "level")), size)
}
sets <- intersect(c("sse2", "avx", "fma", "avx2", "avx512f"),
                  strsplit(c(field("flags"), "")[1], " ")[[1]])
machine <- sprintf(
  "%s, %d cores, %s; %s; R %s, %s.",
  c(field("model name"), Sys.info()[["machine"]])[1], parallel::detectCores(),
  paste(c(unlist(lapply(c(0, 2, 3), cache)), "caches"), collapse = " "),
  paste(toupper(sets), collapse = " "), getRversion(), R.version$os)

titles <- c(training = "Training step", transport = "Transport",
            pancreas = "A large network on many genes", accuracy = "Accuracy",
            ablation = "What each default does", growth = "Growth against the truth",
            scale = "Many cells",
            "paper-speed" = "Speed beside the published methods")
sections <- lapply(names(titles), function(name) {
  text <- grep("^# ", lines(file.path("bench", paste0(name, ".md"))), value = TRUE,
               invert = TRUE)
  c("", paste("##", titles[[name]]), if (!identical(text[1], "")) "", text)
})
writeLines(c("# Benchmarks", "", paste("Made by `make bench` on:", machine),
             unlist(sections)), file.path("bench", "RESULTS.md"))
