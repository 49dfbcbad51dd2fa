module aigc/bench/peers

go 1.24
