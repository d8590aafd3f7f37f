package lab

func deployRows() []Row { return nil }
