# The pages that the master serves: build/web holds web/ as it is, and the WebAssembly build.
